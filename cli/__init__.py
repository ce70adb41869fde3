"""`kubectl kepler`: the command line of the operator.

main             the commands, and how a command ends
commands         one module for each command
options          options that many commands share
examples         two examples for each command's help
complete         completion by the shell
command_errors   exit codes and errors
output           tables, JSON and YAML
kinds            the kinds that commands accept, by any of their names
lookup           finds the resource that a command is about
status_rows      all resources, a row each
dead_letter_rows dead letters as rows
support_files    the files of a support bundle
power            watts by pod
versions         which versions work together
connection       kubeconfig, API server, console and Broker from a terminal
manifest_files   resources in files, as kubectl reads them
prediction       what an apply would change: the functions run in memory
explanation      why a resource is not Ready, and what to do
timeline         what happened, as sentences, lists and waterfalls
doctor           checks of an installation
"""
