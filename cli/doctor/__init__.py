"""Checks that the installation is complete and works. Everything but `survey` is pure.

survey           reads the objects that the checks need
check            one check, and how objects are compared
expected         what this version installs, with the overlays in use
installed        definitions, accounts and permissions
guards           admission policies, NetworkPolicy, overlays
knative_health   Knative itself
delivery         source, clock and Broker
subscriptions    Triggers
knative_services the functions' Knative Services
pod_symptoms     why a function's pods do not run
operation        sweeps, dead letters, namespaces, resources, the user's own rights
"""
