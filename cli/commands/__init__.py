"""One module for each command: it reads from the cluster, calls a pure module for the answer, and prints that.

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
