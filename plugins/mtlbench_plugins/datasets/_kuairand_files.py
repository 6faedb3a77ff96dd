"""Where KuaiRand is published, and in which sizes."""

from mtlbench import api

PAGE = "https://zenodo.org/records/10439422"
FOLDERS = {"pure": "KuaiRand-Pure", "1k": "KuaiRand-1K", "27k": "KuaiRand-27K"}
MD5 = {
    "pure": "0820331067a3784d9691136f772b35a7",
    "1k": "6b0b9c8222d67fcd4c676218edca3f1f",
    "27k": "3e3c799a24e2d23a4d2c757fbf9adf59",
}
ARCHIVE_BYTES = {"pure": 47_000_000, "1k": 1_135_436_720, "27k": 9_892_191_178}
ROWS = {"pure": 1_436_609, "1k": 11_713_045, "27k": 322_278_385}
USERS = {"pure": 27_285, "1k": 1_000, "27k": 27_285}
"""As published, of the standard logs."""


def publication(variant: str) -> api.Publication:
    """Where the archive of one size is."""
    folder = FOLDERS[variant]
    size = ARCHIVE_BYTES[variant]
    url = f"{PAGE}/files/{folder}.tar.gz"
    return api.Publication(
        page=PAGE,
        licence="CC BY-SA 4.0",
        licence_page="https://creativecommons.org/licenses/by-sa/4.0/",
        size=size,
        files=(api.RemoteFile(url, folder, size, f"md5:{MD5[variant]}", unpack=True),),
        params={"variant": variant},
        facts={"raw_rows": ROWS[variant], "users": USERS[variant]},
    )
