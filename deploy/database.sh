#!/bin/sh
# The two logins and the database, made by the image of PostgreSQL at its first start.
set -eu
psql -v ON_ERROR_STOP=1 -v owner="$POSTGRES_PASSWORD" -v serving="$SERVING_PASSWORD" -U postgres <<'SQL'
CREATE ROLE mypolicies LOGIN PASSWORD :'owner';
CREATE DATABASE mypolicies OWNER mypolicies;
CREATE ROLE mypolicies_serving LOGIN PASSWORD :'serving';
SQL
