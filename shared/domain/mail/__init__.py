"""E-mail: texts in the reader's language, made into one message, sent through SES by jobs.

texts      what a mail says: from the catalog's translations, else built in
message    sender, reader and texts as one MIME message
ses        Amazon SES: sent, refused for good, or to be tried again
jobs       `mail.welcome`
"""
