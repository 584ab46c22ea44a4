"""The contracts between services. Admission test: would changing this line force two services to be redeployed together?"""
