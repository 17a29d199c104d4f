"""What a fleet of machines would do with many day-long recordings, from measured parts."""
