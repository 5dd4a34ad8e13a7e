#!/bin/sh
# The role and the database, made by the image of PostgreSQL at its first start: no superuser serves.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$POSTGRES_PASSWORD" -U postgres <<'SQL'
CREATE ROLE mypolicies LOGIN PASSWORD :'password';
CREATE DATABASE mypolicies OWNER mypolicies;
SQL
