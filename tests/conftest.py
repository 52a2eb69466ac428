"""What holds for all tests: a busy machine is no failure, so generated examples have no time limit of their own."""

from hypothesis import settings

settings.register_profile("kuramori", deadline=None)
settings.load_profile("kuramori")
