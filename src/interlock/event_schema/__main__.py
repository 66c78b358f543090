"""`python -m interlock.event_schema > docs/events.schema.json` writes the schema anew."""

import sys

from interlock.event_schema import schema_text

sys.stdout.write(schema_text())
