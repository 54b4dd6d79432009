"""A service that sagas call: it charges an account, and gives the money back."""
