"""CodeDeploy's hooks around a shift of traffic: is the new version as good as the one in service?"""
