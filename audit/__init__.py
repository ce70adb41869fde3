"""What `audit` keeps, and how it is shown: the store of reports, its query API, and the console."""
