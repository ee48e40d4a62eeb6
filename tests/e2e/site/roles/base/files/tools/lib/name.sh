SITE=shop
