"""`python -m services.dashboard`"""

from services.dashboard.compose import composition
from shared.lifecycle import main

main("dashboard", composition)
