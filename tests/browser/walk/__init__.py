"""One patient all the way through the house: every desk in Chromium, every port with a real peer.

The house is `hevesy run` in processes of its own. Each test is one stage of the same patient's day and stands on those
before it, in the order of the files; nothing here reaches into the program, so a stage fails when what is behind its
page or port is not done.
"""
