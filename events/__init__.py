"""The events that this operator emits and acts on: their types, and their data.

types           names of event types
outcome_words   words for an outcome and for a condition's status
report          data of a report
request_data    data of users' requests
sweep_data      data of the sweep's requests and of its end
trained_model   data about a trained power model
    schemas         JSON Schemas of the data, generated
"""
