"""policycheck for spark-submit: what follows the name of this file is the command line.

spark-submit --master spark://HOST:7077 submit.py check policies/ --jobs s3://BUCKET/PREFIX --engine spark
"""

import sys

from policycheck.__main__ import main

sys.exit(main())
