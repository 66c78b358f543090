"""`python -m interlock.pipeline_yaml > pipelines/pipeline.schema.json` writes the schema anew."""

import sys

from interlock.pipeline_yaml.schema import schema_text

sys.stdout.write(schema_text())
