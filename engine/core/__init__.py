"""Pure building blocks: errors, time, ids, text, paging and the query language. Imports nothing of ours."""
