"""What tests let the services hear: made sounds, spoken and recorded speech, files that bite."""
