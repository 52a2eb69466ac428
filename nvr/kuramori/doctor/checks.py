"""The checks of the doctor, in the order in which they are said. Add a check by adding it here.

This module must not check anything itself.
"""

from kuramori.doctor.examination import Check
from kuramori.doctor.machine_checks import check_clock, check_swap
from kuramori.doctor.service_checks import check_processes, check_recorder
from kuramori.doctor.site_checks import (
    check_audio,
    check_capacity,
    check_configuration,
    check_people,
    check_secrets,
)
from kuramori.doctor.source_checks import check_compatibility
from kuramori.doctor.storage_checks import (
    check_custodians,
    check_free_space,
    check_identity,
    check_keystore,
    check_ledger_mirror,
    check_permissions,
    check_tier,
    check_volumes,
)
from kuramori.doctor.survival_checks import check_survival

ALL_CHECKS: tuple[Check, ...] = (
    check_configuration,
    check_capacity,
    check_people,
    check_secrets,
    check_audio,
    check_compatibility,
    check_identity,
    check_permissions,
    check_volumes,
    check_custodians,
    check_tier,
    check_survival,
    check_keystore,
    check_ledger_mirror,
    check_free_space,
    check_clock,
    check_swap,
    check_processes,
    check_recorder,
)
