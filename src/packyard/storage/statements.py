"""The statements of every pull and push, as SQL of the common ground of SQLite and PostgreSQL.

They go to the driver as they stand: measured, SQLAlchemy Core takes 65 µs around a statement that
takes SQLite 2. Everything rarer is written in Core over `tables`. Parameters are `:name`.
"""

from __future__ import annotations

REPOSITORY = "SELECT id FROM repositories WHERE name = :repo"
PUT_REPOSITORY = "INSERT INTO repositories (name) VALUES (:repo)"

# Reads

BLOB = """
SELECT b.size, b.touched_at
FROM repositories r
JOIN repo_blobs l ON l.repo_id = r.id
JOIN blobs b ON b.digest = l.digest
WHERE r.name = :repo AND l.digest = :digest
"""
CONTENT = "SELECT content FROM blobs WHERE digest = :digest"
TOUCHED_AT = "SELECT touched_at FROM blobs WHERE digest = :digest"
MANIFEST = """
SELECT m.digest, m.media_type, m.content, m.artifact_type, m.subject, m.annotations
FROM repositories r
JOIN manifests m ON m.repo_id = r.id
WHERE r.name = :repo AND m.digest = :digest
"""
TAGGED_MANIFEST = """
SELECT m.digest, m.media_type, m.content, m.artifact_type, m.subject, m.annotations
FROM repositories r
JOIN tags t ON t.repo_id = r.id
JOIN manifests m ON m.repo_id = t.repo_id AND m.digest = t.digest
WHERE r.name = :repo AND t.name = :tag
"""
TAGS = """
SELECT t.name
FROM repositories r
JOIN tags t ON t.repo_id = r.id
WHERE r.name = :repo AND t.name > :last
ORDER BY t.name
"""
PAGE_OF_TAGS = f"{TAGS} LIMIT :n"
REFERRERS = """
SELECT m.digest, m.media_type, m.size, m.artifact_type, m.annotations
FROM repositories r
JOIN manifests m ON m.repo_id = r.id
WHERE r.name = :repo AND m.subject = :digest
ORDER BY m.digest
"""

# Writes of blobs

PUT_BLOB = """
INSERT INTO blobs (digest, size, touched_at, content) VALUES (:digest, :size, :time, :content)
ON CONFLICT (digest) DO UPDATE SET touched_at = excluded.touched_at
"""
TOUCH_BLOB = "UPDATE blobs SET touched_at = :time WHERE digest = :digest"
LINK_BLOB = """
INSERT INTO repo_blobs (repo_id, digest) VALUES (:repo_id, :digest) ON CONFLICT DO NOTHING
"""
UNLINK_BLOB = "DELETE FROM repo_blobs WHERE repo_id = :repo_id AND digest = :digest"
HELD_BLOB = "SELECT 1 FROM repo_blobs WHERE repo_id = :repo_id AND digest = :digest"

# Writes of manifests

HELD_MANIFEST = "SELECT 1 FROM manifests WHERE repo_id = :repo_id AND digest = :digest"
INSERT_MANIFEST = """
INSERT INTO manifests (
    repo_id, digest, media_type, size, content, artifact_type, subject, annotations, pushed_at
) VALUES (
    :repo_id, :digest, :media_type, :size, :content, :artifact_type, :subject, :annotations, :time
)
"""
UPDATE_MANIFEST = """
UPDATE manifests
SET media_type = :media_type, artifact_type = :artifact_type, subject = :subject,
    annotations = :annotations, pushed_at = :time
WHERE repo_id = :repo_id AND digest = :digest
"""
DELETE_MANIFEST = "DELETE FROM manifests WHERE repo_id = :repo_id AND digest = :digest"
PUT_REFERENCE = """
INSERT INTO manifest_refs (repo_id, manifest, digest) VALUES (:repo_id, :manifest, :digest)
"""
DELETE_REFERENCES = """
DELETE FROM manifest_refs WHERE repo_id = :repo_id AND manifest = :digest
"""

# Writes of tags and of references from elsewhere

PUT_TAG = """
INSERT INTO tags (repo_id, name, digest, updated_at) VALUES (:repo_id, :tag, :digest, :time)
ON CONFLICT (repo_id, name)
DO UPDATE SET digest = excluded.digest, updated_at = excluded.updated_at
"""
TAG = "SELECT digest FROM tags WHERE repo_id = :repo_id AND name = :tag"
TAGS_AND_DIGESTS = "SELECT name, digest FROM tags WHERE repo_id = :repo_id ORDER BY name"
TAGS_OF = "SELECT name FROM tags WHERE repo_id = :repo_id AND digest = :digest ORDER BY name"
DELETE_TAG = "DELETE FROM tags WHERE repo_id = :repo_id AND name = :tag"
DELETE_TAGS_OF = "DELETE FROM tags WHERE repo_id = :repo_id AND digest = :digest"
HOLD = "INSERT INTO refs (digest, owner) VALUES (:digest, :owner) ON CONFLICT DO NOTHING"
RELEASE = "DELETE FROM refs WHERE digest = :digest AND owner = :owner"

# The audit

RECORD = """
INSERT INTO audits (
    uid, at, actor, actor_uid, address, via, request, action, kind, resource, name, project, message
) VALUES (
    :uid, :at, :actor, :actor_uid, :address, :via, :request,
    :action, :kind, :resource, :name, :project, :message
)
"""
