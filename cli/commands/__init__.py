"""One module a command: what it asks of the cluster, which pure core answers, and how that is printed.

status_command       `status`
explain              `explain`
diff                 `diff` and `render`
history              `history` and `trace`
resync               `resync`
dead_letters_command `dead-letters`
doctor               `doctor`
support_bundle       `support-bundle`
top                  `top`
version              `version`
"""
