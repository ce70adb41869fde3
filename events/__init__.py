"""The events this operator emits and answers to: their types, and the data they carry.

types           names of event types
outcome_words   words for an outcome and for a condition's status
report          data of a report
request_data    data of what people ask for
sweep_data      data of the sweep's requests and of its end
trained_model   data about a trained power model
    schemas         JSON Schemas of the data, generated
"""
