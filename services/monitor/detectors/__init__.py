"""What is watched for while a run trains. Pure: fed with steps in their order, they answer with what they found, and know no clock.

Each holds a bounded number of values, and can be taken apart and put together again between any two steps.
"""
