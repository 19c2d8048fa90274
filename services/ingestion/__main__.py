"""`python -m services.ingestion`"""

from services.ingestion.compose import composition
from shared.lifecycle import main

main("ingestion", composition)
