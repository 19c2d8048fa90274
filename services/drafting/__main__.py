"""`python -m services.drafting`"""

from services.drafting.compose import composition
from shared.lifecycle import main

if __name__ == "__main__":
    main("drafting", composition)
