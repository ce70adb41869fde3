"""Makes the answers of the query API from rows and from the cluster.

query_api           routes of the query API and of the console
responses           answers as JSON or as a problem document
pages               the console's files
selection           what a request selects, from its query string
resource_pages      one page of the selected resources
queries             reports, traces and counts, read from the tables
rows                rows as models
resource_history    the generations of one resource
episodes            splits a trace into episodes
fights              fields that a function puts back again and again
foreign             fields of a child that somebody else owns
interference        what others change in the children of a resource
cached_read         shares one read of the cluster among viewers, and says how old it is
live                resources and dead letters of the cluster as it is now
states              state of a resource in one word
checks              the last sweep, dead letters, resources: for `doctor` and the console
dead_letter_answers dead letters, read from their ConfigMaps
"""
