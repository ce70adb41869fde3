"""The events this operator emits and answers to: their types, and the data they carry.

types           names of event types
event_catalogue every type: who emits it, who acts on it, what it carries
event_documents writes JSON Schemas, the AsyncAPI document and `docs/events.md`
report          data of a report
request_data    data of what people ask for
sweep_data      data of the sweep's requests and of its end
trained_model   data about a trained power model
    schemas         JSON Schemas of the data, generated
"""
