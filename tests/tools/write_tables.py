"""Writes the tables of the documents anew from the code: `make tables`."""

from __future__ import annotations

from support.documents import documents, filled

if __name__ == "__main__":
    for path in documents():
        text = path.read_text()
        if (made := filled(text)) != text:
            path.write_text(made)
            print(f"written: {path}")
