"""`aidc up`: the whole centre on this machine, on embedded servers, in one folder."""
