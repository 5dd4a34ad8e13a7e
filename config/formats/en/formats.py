"""The format of times: to the second and in UTC, as in the logs that they are compared with."""

DATETIME_FORMAT = r"Y-m-d H:i:s \U\T\C"
DATE_FORMAT = "Y-m-d"
