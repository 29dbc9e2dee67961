"""Property tests of these folders are bounded in examples, not in time: a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("unhurried", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("unhurried")
