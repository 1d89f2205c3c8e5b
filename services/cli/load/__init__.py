"""`aidc load`: what a running centre answers under load, by the token of whoever asks.

`command` is what is typed, `wishes` what is asked for, `playing` asks at moments that are fixed beforehand and gives
back whatever it booked, `tally` counts, and `telling` shows.
"""
