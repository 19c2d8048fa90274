"""`python -m services.detection`"""

from services.detection.compose import composition
from shared.lifecycle import main

if __name__ == "__main__":
    main("detection", composition)
