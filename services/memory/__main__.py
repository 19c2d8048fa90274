"""`python -m services.memory`"""

from services.memory.compose import composition
from shared.lifecycle import main

if __name__ == "__main__":
    main("memory", composition)
