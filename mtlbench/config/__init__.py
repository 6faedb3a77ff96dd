"""What a user asks for: plugin specs, parameters, presets and studies, from text to a validated plan."""
