"""The doctor: looks at everything that a recorder needs and says what is wrong and what to do; changes nothing."""
