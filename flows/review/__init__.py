"""`daylong review`: where listening pays, and a page that saves what is corrected.

evidence.py   what is known of a recording's words: corrections, other recognisers
session.py    one recording under review: the page, what is entered, what it buys
app.py        the web application: a one-time token, the page, the sound, corrections
serve.py      listen on loopback until a signal
"""
