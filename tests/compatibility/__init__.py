"""Every operation through boto3: each member, each error."""
