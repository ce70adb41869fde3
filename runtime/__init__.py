"""The shell around the functions: an event comes in, one object is reconciled, a report goes out.

All network access is here; the functions themselves only compute.

    edge ─▶ wake ─▶ protocol ─▶ client ─▶ API server
                       │
                       └─▶ function.desired (pure)

What a function is:

    declaration    name, what wakes it, what it writes and reads, `desired`
    listener       the declaration of a function that reconciles nothing
    outcome        what `desired` returns
    conditions     `status.conditions`
    errors         the tree of errors

The protocol:

    wake           from an event to the objects to reconcile
    seen           versions that this process has read or written
    protocol       brings one object to its desired state
    observation    reads what a function decides from
    decision       what it decides, or why not
    child_writes   writes the children
    reconciled     the result
    planned_writes the writes of a decision, in order
    parallel_calls calls whose order does not matter
    trial          a dry run of the writes before the first one is made
    refusals       what a refused write means for the user
    awaited        whether functions that it waits for have reported
    ownership      which of two resources a child belongs to
    adoption       existing children that somebody else made
    field_owners   fields of children that somebody else owns
    differences    what an apply would change
    field_paths    paths of fields, in the form of `managedFields`
    statuses       conditions and status fields
    rechecks       reconcile again some seconds later
    deadlines      all time limits

The API server:

    client         five verbs over untyped objects
    transport      requests and answers by the official Kubernetes client
    kubernetes_client  its parts that a function uses
    trust          which certificates are accepted
    deletion       what a resource that is being deleted waits for
    objects        objects as JSON, addressed by `Ref`

Events:

    event          an incoming CloudEvent
    envelope       attributes that all of our events have
    requests       requests: resync, replay, discard
    reports        the report of a reconcile
    last_writer    who changed the object of an event
    sink           where events are sent
    signature      signatures of our events

A process:

    settings       its environment
    front          limits a request's body before it gets a thread
    edge           HTTP: a CloudEvent in, an answer out
    direct_events  answers most events without WSGI and without a thread
    loopback       whether a request is for this machine
    receive        reconciles the object of one event
    reconciler_group  one event for several functions in one process
    workers        limit on reconciles at once
    singleflight   one reconcile of an object at a time
    remembered     a bounded set, shared by threads
    logs           JSON lines
    log_fields     fields that several modules write in one form

Telemetry:

    tracing        one trace for one generation of an object
    spans          reconciles as spans
    measures       metrics
    failures       errors: named by function, redacted, logged
    telemetry      starts and flushes OpenTelemetry
    otlp           OTLP over HTTP

Text for people:

    redact         removes confidential values
    confidential   fields that are confidential by their names
    credentials    credentials recognized by their form
    known_secrets  confidential values in text that repeats them
    printable      characters that a terminal interprets
    plain          readable YAML
    ages           ages in a short form
"""
