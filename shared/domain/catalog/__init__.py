"""The catalog: a tree of categories, texts by locale, and settings. Read by anyone, written as whole documents."""
