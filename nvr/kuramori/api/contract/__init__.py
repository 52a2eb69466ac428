"""The API as a document: made from the code, committed, and compared with the code in a test."""
