"""From records to numbers: boards whose rows were trained and scored under the same conditions."""
