"""Migrations in fewer statements: what they leave behind is the same, step by step or at once."""

import pytest

from tenants.folding import folded

BOOKS = 'CREATE TABLE "books" ("id" uuid NOT NULL PRIMARY KEY)'
AUTHORS = 'CREATE TABLE "authors" ("id" uuid NOT NULL PRIMARY KEY)'
TITLE = 'ALTER TABLE "books" ADD COLUMN "title" text NULL'
PAGES = 'ALTER TABLE "books" ADD COLUMN "pages" integer DEFAULT 0 NOT NULL'
CHECK = 'ALTER TABLE "books" ADD CONSTRAINT "books_pages_check" CHECK ("pages" >= 0)'
AUTHOR = (
    'ALTER TABLE "books" ADD COLUMN "author_id" uuid NULL CONSTRAINT "books_author"'
    ' REFERENCES "authors"("id") DEFERRABLE INITIALLY DEFERRED; SET CONSTRAINTS "books_author" IMMEDIATE'
)
BY_TITLE = 'CREATE INDEX "books_title" ON "books" ("title")'
BY_TITLE_DOWN = 'CREATE INDEX "books_title" ON "books" ("title" DESC)'
NO_BOOKS = 'DROP TABLE "books" CASCADE'
NO_INDEX = 'DROP INDEX IF EXISTS "books_title"'


def test_a_table_is_made_with_the_columns_and_constraints_that_are_added_to_it():
    whole = (
        'CREATE TABLE "books" ("id" uuid NOT NULL PRIMARY KEY, "title" text NULL,'
        ' "pages" integer DEFAULT 0 NOT NULL, CONSTRAINT "books_pages_check" CHECK ("pages" >= 0))'
    )

    assert folded([BOOKS, TITLE, PAGES, CHECK], in_empty_schema=True) == (whole,)


def test_a_reference_to_an_earlier_table_is_made_with_its_table():
    whole = (
        'CREATE TABLE "books" ("id" uuid NOT NULL PRIMARY KEY, "author_id" uuid NULL'
        ' CONSTRAINT "books_author" REFERENCES "authors"("id") DEFERRABLE INITIALLY DEFERRED)'
    )

    assert folded([AUTHORS, BOOKS, AUTHOR], in_empty_schema=True) == (AUTHORS, whole)


def test_a_reference_to_a_later_table_stays_and_so_do_the_columns_behind_it():
    steps = (BOOKS, AUTHORS, AUTHOR, TITLE)

    assert folded(steps, in_empty_schema=True) == steps


def test_a_column_that_is_unique_no_more_is_made_without_its_index():
    unique = (
        'CREATE TABLE "books" ("id" uuid NOT NULL PRIMARY KEY, "isbn" varchar(13) NOT NULL UNIQUE)'
    )
    plain = 'CREATE TABLE "books" ("id" uuid NOT NULL PRIMARY KEY, "isbn" varchar(13) NOT NULL)'
    drop = 'ALTER TABLE "books" DROP CONSTRAINT "books_isbn_key"'

    assert folded([unique, drop, TITLE], in_empty_schema=True) == (
        f'{plain[:-1]}, "title" text NULL)',
    )
    assert folded([BOOKS, drop, TITLE], in_empty_schema=True) == (BOOKS, drop, TITLE)
    assert folded([drop], in_empty_schema=False) == (drop,)


def test_a_table_that_was_there_before_is_added_to():
    assert folded([TITLE, BY_TITLE], in_empty_schema=False) == (TITLE, BY_TITLE)


@pytest.mark.parametrize(
    "change",
    [
        'ALTER TABLE "books" RENAME COLUMN "id" TO "key"',
        'ALTER TABLE "books" DROP COLUMN "id"',
        "INSERT INTO books SELECT gen_random_uuid()",
        'ALTER TABLE "books" RENAME TO "volumes"',
    ],
)
def test_a_table_that_was_changed_otherwise_is_left_alone_from_there_on(change):
    steps = (BOOKS, change, TITLE)

    assert folded(steps, in_empty_schema=True) == steps


def test_an_index_that_is_dropped_again_is_not_made():
    assert folded([BOOKS, BY_TITLE, NO_INDEX, BY_TITLE_DOWN], in_empty_schema=True) == (
        BOOKS,
        BY_TITLE_DOWN,
    )


@pytest.mark.parametrize(
    "made",
    [
        ('CREATE UNIQUE INDEX "books_title" ON "books" ("title") WHERE "title" IS NOT NULL',),
        ('CREATE INDEX IF NOT EXISTS "books_title" ON "books" ("title")',),
        ('CREATE INDEX "old" ON "books" ("title")', 'ALTER INDEX "old" RENAME TO "books_title"'),
        ('CREATE INDEX other ON books (id); CREATE INDEX books_title ON books ("title")',),
        ('CREATE INDEX books_title ON books ("title"); CREATE INDEX other ON books (id)',),
    ],
)
def test_an_index_that_was_made_in_another_way_is_dropped_as_the_migration_says(made):
    steps = (BOOKS, *made, NO_INDEX)

    assert folded(steps, in_empty_schema=True) == steps


@pytest.mark.parametrize("in_empty_schema", [True, False])
def test_a_table_that_is_dropped_again_is_not_made_and_neither_are_its_indexes(in_empty_schema):
    steps = (AUTHORS, BOOKS, TITLE, BY_TITLE, NO_BOOKS)

    assert folded(steps, in_empty_schema=in_empty_schema) == (AUTHORS,)


def test_a_table_that_is_dropped_and_made_anew_is_made_once():
    steps = (BOOKS, BY_TITLE, NO_BOOKS, BOOKS, TITLE, BY_TITLE_DOWN, NO_INDEX)

    assert folded(steps, in_empty_schema=True) == (
        f"{BOOKS[:-1]}, {TITLE.partition('COLUMN ')[2]})",
    )


@pytest.mark.parametrize(
    "other",
    [
        'CREATE TABLE "loans" ("id" uuid NOT NULL PRIMARY KEY, "book_id" uuid REFERENCES "books"("id"))',
        'CREATE INDEX "loans_books" ON "loans" ("books")',
        'CREATE UNIQUE INDEX "books_title" ON "books" ("title")',
        "INSERT INTO authors SELECT id FROM books",
        'ALTER TABLE "books" RENAME COLUMN "id" TO "key"',
    ],
)
def test_a_table_that_another_statement_names_is_made_and_dropped_as_the_migrations_say(other):
    steps = (AUTHORS, BOOKS, other, NO_BOOKS)

    assert folded(steps, in_empty_schema=True) == steps


def test_a_table_that_was_there_before_is_dropped():
    assert folded([NO_BOOKS], in_empty_schema=False) == (NO_BOOKS,)


def test_a_statement_of_several_leaves_the_tables_alone_that_it_names():
    steps = (BOOKS, 'UPDATE books SET id = id; ALTER TABLE books DROP COLUMN "id"', TITLE)

    assert folded(steps, in_empty_schema=True) == steps


def test_rows_are_not_changed_where_there_are_none():
    change, added = "UPDATE books SET title = ''", "INSERT INTO books SELECT gen_random_uuid()"

    assert folded([BOOKS, change, TITLE], in_empty_schema=True) == folded(
        [BOOKS, TITLE], in_empty_schema=True
    )
    assert folded([BOOKS, change], in_empty_schema=False) == (BOOKS, change)
    assert folded([BOOKS, added, change], in_empty_schema=True) == (BOOKS, added, change)


def test_an_index_that_may_be_there_is_dropped():
    assert folded([NO_INDEX], in_empty_schema=False) == (NO_INDEX,)
    assert folded([NO_INDEX], in_empty_schema=True) == ()
