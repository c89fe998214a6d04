"""A trial on the live account that settles what no page of the gateway says, one question after the other.

`questions` lists what is asked. Each question is a small experiment: its calls are written to the journal
before they are made and when they are answered, so that a trial which was cut short goes on and repeats no
call. The report is for people, the profile (`worker.gateway.profile`) for workers.
"""
