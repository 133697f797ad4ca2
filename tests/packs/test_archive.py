"""Archives: round trips, determinism, and everything that must not be taken from a stranger."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packyard.errors import ContentRefused
from packyard.packs.archive import content_digest, read_archive, write_archive
from packyard.packs.files import File, Files, Limits, path_fault
from tests.packs.samples import pack, raw_tar, tarball

SMALL = Limits(max_bytes=1_000_000, max_files=50, max_file_bytes=200_000, ratio_floor=100_000)


def read(data: bytes, limits: Limits = SMALL) -> Files:
    return read_archive(io.BytesIO(data), limits)


def written(files: Files, top: str = "sample-1.2.3") -> bytes:
    out = io.BytesIO()
    write_archive(files, top, out)
    return out.getvalue()


def refusals(data: bytes, limits: Limits = SMALL) -> list[str]:
    with pytest.raises(ContentRefused) as refused:
        read(data, limits)
    return [finding.rule for finding in refused.value.findings]


def member(name: str, kind: bytes = tarfile.REGTYPE, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    return gzip.compress(raw_tar([(member("p/pack.json"), b"{}"), *members]))


# Reading what others write


@pytest.mark.parametrize(
    "names",
    [
        ["pack.json", "charts/a.tgz"],
        ["./pack.json", "./charts/a.tgz"],
        ["any-folder/pack.json", "any-folder/charts/a.tgz"],
        ["./any folder/pack.json", "./any folder//charts/./a.tgz"],
    ],
)
def test_the_pack_is_where_pack_json_is(names: list[str]) -> None:
    assert sorted(read(tarball(dict.fromkeys(names, "{}")))) == ["charts/a.tgz", "pack.json"]


@pytest.mark.parametrize(
    "tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
)
@pytest.mark.parametrize("compress", [gzip.compress, bytes])
def test_every_common_form_of_tar_is_read(
    tar_format: int, compress: Callable[[bytes], bytes]
) -> None:
    deep = "p/" + "/".join(["a" * 40] * 4) + "/chart.yaml"
    members = [(member("p/pack.json"), b"{}"), (member(deep, mode=0o750), b"x" * 1000)]
    files = read(compress(raw_tar(list(members), tar_format)))
    assert files[deep[2:]] == File(b"x" * 1000, executable=True)


def test_names_of_any_script_are_read() -> None:
    name = "p/наименование-ваучера-" + "ü" * 60
    for tar_format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        data = raw_tar([(member("p/pack.json"), b"{}"), (member(name), b"1")], tar_format)
        assert name[2:] in read(data)


def test_the_first_tar_programs_are_read() -> None:
    block = bytearray(raw_tar([(member("pack.json"), b"{}")], tarfile.USTAR_FORMAT))
    block[257:512] = bytes(255)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    assert list(read(bytes(block))) == ["pack.json"]


def test_folders_are_dropped_and_may_be_named_again() -> None:
    folder = member("p/charts/", tarfile.DIRTYPE)
    assert list(read(packed((folder, b""), (folder, b""), (member("./", b"5"), b"")))) == [
        "pack.json"
    ]


def test_what_desktops_leave_inside_is_kept_and_beside_the_pack_dropped() -> None:
    files = read(
        packed(
            (member("p/.DS_Store"), b"1"),
            (member("p/._values.yaml"), b"2"),
            (member("._p"), b"3"),
            (member(".DS_Store"), b"4"),
        )
    )
    assert list(files) == [".DS_Store", "._values.yaml", "pack.json"]


def test_a_global_comment_as_of_source_exports_is_skipped() -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", pax_headers={"comment": "c" * 40}) as out:
        info = member("p/pack.json", size=2)
        out.addfile(info, io.BytesIO(b"{}"))
    assert list(read(archive.getvalue())) == ["pack.json"]


def test_a_gzip_file_of_several_members_is_one_stream() -> None:
    data = raw_tar([(member("p/pack.json"), b"{}"), (member("p/a"), b"x" * 5000)])
    parts = [gzip.compress(data[at : at + 700]) for at in range(0, len(data), 700)]
    assert len(read(b"".join(parts))) == 2
    assert len(read(b"".join(parts) + bytes(512))) == 2


def test_a_missing_end_mark_is_no_truncation_where_gzip_says_that_all_came() -> None:
    data = raw_tar([(member("p/pack.json"), b"{}")])[:1024]
    assert list(read(gzip.compress(data))) == ["pack.json"]
    assert refusals(data) == ["archive.truncated"]


def test_only_the_owners_run_bit_counts() -> None:
    files = read(
        packed(
            (member("p/run", mode=0o4711), b""),
            (member("p/plain", mode=0o666), b""),
            (member("p/others", mode=0o011), b""),
        )
    )
    assert [path for path, file in files.items() if file.executable] == ["run"]


# Refusing what others write


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/etc/passwd", "is absolute"),
        ("//etc/passwd", "is absolute"),
        ("C:/Windows/x", "begins as a drive does"),
        ("p/../../x", "leaves the folder"),
        ("..", "leaves the folder"),
        ("p/..", "leaves the folder"),
        ("p/a\\..\\..\\x", "backslash"),
        ("p/a\nb", "control character"),
        ("p/a\x7fb", "control character"),
        ("p/a\u2028b", "control character"),
        ("p/" + "a" * 256, "longer than"),
        ("p/" + "/".join(["a" * 100] * 12), "longer than"),
        ("p/" + "a/" * 64 + "b", "deeper than"),
        (".", "is empty"),
    ],
)
def test_a_path_that_could_leave_the_folder_is_refused(name: str, words: str) -> None:
    with pytest.raises(ContentRefused) as refused:
        read(packed((member(name), b"x")))
    (finding,) = refused.value.findings
    assert finding.rule == "files.path"
    assert words in finding.message


def test_a_name_that_is_not_utf_8_is_refused() -> None:
    data = raw_tar(
        [(member("p/pack.json"), b"{}"), (member("p/caf\udce9"), b"")], tarfile.GNU_FORMAT
    )
    assert refusals(data) == ["files.path"]


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (tarfile.SYMTYPE, "files.link"),
        (tarfile.LNKTYPE, "files.link"),
        (tarfile.CHRTYPE, "files.special"),
        (tarfile.BLKTYPE, "files.special"),
        (tarfile.FIFOTYPE, "files.special"),
        (tarfile.GNUTYPE_SPARSE, "archive.special"),
        (b"V", "archive.special"),
        (b"?", "archive.special"),
    ],
)
def test_links_and_devices_are_refused(kind: bytes, rule: str) -> None:
    assert refusals(packed((member("p/x", kind, linkname="/etc/passwd"), b""))) == [rule]


def test_everything_wrong_is_said_at_once() -> None:
    data = packed(
        (member("/a"), b""),
        (member("p/b", tarfile.SYMTYPE, linkname=".."), b""),
        (member("p/c", tarfile.FIFOTYPE), b""),
        (member("p/pack.json"), b""),
    )
    assert refusals(data) == ["files.path", "files.link", "files.special", "files.duplicate"]


def test_endless_faults_are_cut_short() -> None:
    data = packed(*[(member(f"/{number}"), b"") for number in range(2000)])
    assert len(refusals(data, Limits())) == 101


@pytest.mark.parametrize(
    "names",
    [["p/a", "p/a"], ["p/a", "./p/a"], ["p/a", "p//a"], ["p/a", "p/a/b"], ["p/a/b", "p/a"]],
)
def test_two_members_of_one_path_are_refused(names: list[str]) -> None:
    assert refusals(packed(*[(member(name), b"") for name in names])) == ["files.duplicate"]


@pytest.mark.parametrize("names", [["p/a", "p/a/"], ["p/a/", "p/a"], ["p/a", "p/a/b/"]])
def test_a_file_where_a_folder_is_needed_is_refused(names: list[str]) -> None:
    members = [
        (member(name, tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE), b"")
        for name in names
    ]
    assert refusals(packed(*members)) == ["files.duplicate"]


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (["p/values.yaml"], "pack-json.missing"),
        (["a/b/pack.json"], "pack-json.missing"),
        (["PACK.JSON"], "pack-json.missing"),
        (["p/pack.json", "q/pack.json"], "archive.root"),
        (["p/pack.json", "values.yaml"], "archive.root"),
        (["p/pack.json", "q/values.yaml"], "archive.root"),
    ],
)
def test_the_pack_must_be_one_folder(names: list[str], rule: str) -> None:
    assert refusals(tarball(dict.fromkeys(names, "{}"))) == [rule]


def test_pack_json_at_the_root_settles_which_folder_it_is() -> None:
    files = read(tarball({"pack.json": "{}", "examples/pack.json": "{}"}))
    assert sorted(files) == ["examples/pack.json", "pack.json"]


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "archive.format"),
        (gzip.compress(b"", mtime=0), "archive.format"),
        (b"<html>not found</html>" * 40, "archive.format"),
        (gzip.compress(b"only text" * 100, mtime=0), "archive.format"),
        (b"short", "archive.truncated"),
        (b"PK\x03\x04" + bytes(600), "archive.format"),
        (b"\xfd7zXZ\0" + bytes(600), "archive.format"),
        (b"BZh9" + bytes(600), "archive.format"),
        (b"\x28\xb5\x2f\xfd" + bytes(600), "archive.format"),
        (bytes(1024), "pack-json.missing"),
        (b"\x1f\x8b", "archive.truncated"),
        (b"\x1f\x8b" + b"\xff" * 40, "archive.damaged"),
        (
            gzip.compress(gzip.compress(raw_tar([(member("pack.json"), b"{}")]), mtime=0), mtime=0),
            "archive.nested",
        ),
    ],
)
def test_what_is_no_tar_is_named(data: bytes, rule: str) -> None:
    assert refusals(data) == [rule]


def test_an_archive_cut_anywhere_is_refused() -> None:
    for data in (written(pack()), gzip.decompress(written(pack()))):
        for length in [*range(0, len(data) - 1024, 37), len(data) - 1025]:
            assert set(refusals(data[:length])) <= {
                "archive.truncated", "archive.format", "archive.damaged"
            }  # fmt: skip


def test_what_follows_the_end_is_refused_unless_zeros() -> None:
    good = written(pack())
    plain = gzip.decompress(good)
    assert read(good + bytes(4096)) == read(good) == read(plain + bytes(9000))
    assert refusals(good + b"x") == ["archive.trailing"]
    assert refusals(good + bytes(300_000) + b"x") == ["archive.trailing"]
    assert refusals(plain + b"x") == ["archive.trailing"]
    assert refusals(plain + plain) == ["archive.trailing"]
    assert refusals(gzip.compress(plain + bytes(1024) + b"x")) == ["archive.trailing"]


def test_a_wrong_checksum_is_refused() -> None:
    good = bytearray(written(pack()))
    good[-8] ^= 1
    assert refusals(bytes(good)) == ["archive.damaged"]
    plain = bytearray(gzip.decompress(written(pack())))
    plain[1024 + 10] ^= 1
    assert refusals(bytes(plain)) == ["archive.damaged"]


# Bombs


def test_a_file_that_claims_ten_gigabytes_is_refused_unread() -> None:
    start = member("p/zeros", size=10 * 1024**3).tobuf(tarfile.GNU_FORMAT)
    assert refusals(gzip.compress(start), Limits()) == ["archive.too-large"]


def test_a_bomb_is_refused_before_it_is_expanded() -> None:
    compressor = zlib.compressobj(6, zlib.DEFLATED, 31)
    megabytes = [compressor.compress(bytes(2**20)) for _ in range(100)]
    bomb = b"".join([*megabytes, compressor.flush()])
    tracemalloc.start()
    assert refusals(bomb, Limits()) == ["archive.too-large"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


def test_growth_out_of_proportion_is_refused() -> None:
    data = packed((member("p/zeros"), bytes(180_000)))
    assert refusals(data) == ["archive.too-large"]
    assert len(read(data, Limits())) == 2


def test_sizes_above_the_limits_are_refused() -> None:
    noise = hashlib.shake_128(b"noise").digest(300_000)
    assert refusals(packed((member("p/a"), noise[:200_001]))) == ["archive.too-large"]
    members = [(member(f"p/{number}"), noise[: 199_000 - number]) for number in range(6)]
    assert refusals(packed(*members)) == ["archive.too-large"]
    assert refusals(raw_tar(list(members))) == ["archive.too-large"]


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE])
def test_a_hundred_thousand_members_are_refused_at_the_limit(kind: bytes) -> None:
    block = member("p/same", kind).tobuf(tarfile.USTAR_FORMAT)
    data = gzip.compress(block * 100_000, 1)
    started = time.process_time()
    with pytest.raises(ContentRefused) as refused:
        read(data, Limits(max_ratio=10_000))
    assert refused.value.findings[-1].rule in {"archive.too-large", "archive.damaged"}
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", ["x", "L"])
def test_an_extension_header_of_any_size_is_not_read(name: str) -> None:
    block = bytearray(
        member("p/long", name.encode(), size=5 * 1024 * 1024).tobuf(tarfile.USTAR_FORMAT)
    )
    assert refusals(bytes(block) + bytes(1024), Limits()) == ["archive.damaged"]


def pax(*records: bytes) -> bytes:
    """A pax header of raw records, and the file that it is about."""
    body = b"".join(records)
    head = member("p/pax", tarfile.XHDTYPE, size=len(body)).tobuf(tarfile.USTAR_FORMAT)
    file = member("p/file", size=1).tobuf(tarfile.USTAR_FORMAT)
    pack_json = raw_tar([(member("p/pack.json"), b"{}")])[:1024]
    return (
        pack_json + head + body + bytes(-len(body) % 512) + file + b"1" + bytes(511) + bytes(1024)
    )


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (b"20 path=/etc/passwd\n", "files.path"),
        (b"11 path=..\n", "files.path"),
        (b"22 GNU.sparse.major=1\n", "archive.special"),
        (b"99 path=x\n", "archive.damaged"),
        (b"0 path=x\n", "archive.damaged"),
        (b"-1 path=x\n", "archive.damaged"),
        (b"10 pathxx\n", "archive.damaged"),
        (b"9 path=xy\n", "archive.damaged"),
        (b"path=x\n", "archive.damaged"),
        (b"99999999999999999999999 path=x\n", "archive.damaged"),
        (b"6 a=b\n" * 101, "archive.damaged"),
        (b"11 size=-1\n", "archive.damaged"),
        (b"11 size=0x\n", "archive.damaged"),
        (b"18 size=999999999\n", "archive.too-large"),
    ],
)
def test_tricks_in_pax_headers_are_refused(record: bytes, rule: str) -> None:
    assert refusals(pax(record)) == [rule]


def test_a_global_path_or_size_is_refused() -> None:
    head = member("p/pax", tarfile.XGLTYPE, size=10).tobuf(tarfile.USTAR_FORMAT)
    assert refusals(head + b"10 path=x\n" + bytes(502 + 1024)) == ["archive.damaged"]


def test_extension_headers_without_end_or_without_a_member_are_refused() -> None:
    head = member("p/pax", tarfile.XHDTYPE, size=0).tobuf(tarfile.USTAR_FORMAT)
    assert refusals(head * 100) == ["archive.damaged"]
    assert refusals(head + bytes(1024)) == ["archive.truncated"]


@pytest.mark.parametrize(
    "field", [b"\xff" * 12, b"-0000000001\0", b"0x000000001\0", b"99999999999\0"]
)
def test_a_size_that_is_no_number_is_refused(field: bytes) -> None:
    block = bytearray(member("pack.json").tobuf(tarfile.USTAR_FORMAT))
    block[124:136] = field
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    assert refusals(bytes(block) + bytes(1024)) == ["archive.damaged"]


# Writing


def test_an_archive_is_the_same_whatever_order_the_files_came_in() -> None:
    files = dict(pack())
    assert written(files) == written(dict(reversed(files.items())))


def test_an_archive_says_nothing_of_times_owners_and_names() -> None:
    data = written({"run.sh": File(b"#!", executable=True), "a": File(b"")})
    assert data[:10] == bytes.fromhex("1f8b08000000000000ff")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = [
            (m.name, m.mode, m.mtime, m.uid, m.gid, m.uname, m.gname) for m in archive.getmembers()
        ]
    assert found == [
        ("sample-1.2.3/a", 0o644, 0, 0, 0, "", ""),
        ("sample-1.2.3/run.sh", 0o755, 0, 0, 0, "", ""),
    ]


def test_an_archive_stays_the_same_over_releases() -> None:
    """The uncompressed bytes: zlib may differ between systems, what it is given may not."""
    long = "/".join(["folder"] * 20)
    files = {"a": File(b"1"), long: File(b"2", executable=True), "ü": File(b"")}
    plain = gzip.decompress(written(files, "p"))
    assert f"{zlib.crc32(plain):08x}" == "f1ae62bc"


names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\\0", exclude_categories=["Cc", "Zl", "Zp"]),
    min_size=1,
    max_size=60,
)
paths = (
    st.lists(names, min_size=1, max_size=4).map("/".join).filter(lambda path: not path_fault(path))
)
some_files = st.builds(File, st.binary(max_size=2000), st.booleans())
folders = st.dictionaries(paths, some_files, max_size=12).map(
    lambda files: {
        path: file
        for path, file in {**files, "pack.json": File(b"{}")}.items()
        if not any(
            other != path and path.startswith(f"{other}/") for other in {*files, "pack.json"}
        )
    }
)


@given(folders)
@settings(max_examples=60)
def test_what_was_written_is_read_back(files: Files) -> None:
    data = written(files, "top")
    assert read(data) == files
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert {m.name: bool(m.mode & 0o100) for m in archive} == {
            f"top/{path}": file.executable for path, file in files.items()
        }


@given(folders)
@settings(max_examples=30)
def test_the_content_digest_hangs_on_paths_run_bits_and_bytes_alone(files: Files) -> None:
    digest = content_digest(files)
    assert digest == content_digest(read(written(files, "one")))
    assert digest == content_digest(read(gzip.decompress(written(files, "two"))))
    pack_json = files["pack.json"]
    others = [
        {**files, "pack.json": File(pack_json.data, not pack_json.executable)},
        {**files, "pack.json": File(pack_json.data + b" ", pack_json.executable)},
        {**files, "pack.json~": File(b"")},
        {("other" if path == "pack.json" else path): file for path, file in files.items()},
    ]
    assert all(content_digest(other) != digest for other in others if other != files)


def read_or_refuse(data: bytes) -> Files | None:
    """None where it was refused; any other exception is a fault of the reader."""
    try:
        return read(data)
    except ContentRefused:
        return None


mutations = st.lists(
    st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=24)), max_size=4
)


@given(mutations, st.sampled_from(["plain", "gzip", "inside"]), st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_a_mutated_archive_is_read_safely_or_refused(
    changes: list[tuple[int, bytes]], what: str, cut: int
) -> None:
    plain = bytearray(gzip.decompress(written(pack(), "p")))
    data = bytearray(gzip.compress(plain)) if what == "gzip" else plain
    for place, noise in changes:
        at = place % len(data)
        data[at : at + len(noise)] = noise
    if cut % 5 == 0:
        del data[cut % len(data) :]
    files = read_or_refuse(gzip.compress(data) if what == "inside" else bytes(data))
    assert files is None or "pack.json" in files
    assert not any(path_fault(path) for path in files or ())


@given(st.lists(st.tuples(st.integers(0, 499), st.binary(min_size=1, max_size=12)), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_header_of_a_right_checksum_is_read_safely_or_refused(
    changes: list[tuple[int, bytes]],
) -> None:
    block = bytearray(member("p/file", size=3).tobuf(tarfile.USTAR_FORMAT))
    for at, noise in changes:
        block[at : at + len(noise)] = noise
    del block[512:]
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    data = raw_tar([(member("p/pack.json"), b"{}")])[:1024] + block + b"abc" + bytes(509 + 1024)
    assert not any(path_fault(path) for path in read_or_refuse(data) or ())


def test_a_pack_of_five_megabytes_is_read_and_written_in_a_moment() -> None:
    noise = hashlib.shake_128(b"noise").hexdigest(2_500_000).encode()
    files = {"pack.json": File(b"{}")} | {
        f"charts/file-{at}.yaml": File(noise[at : at + 12_500])
        for at in range(0, len(noise), 12_500)
    }
    started = time.process_time()
    assert read_archive(io.BytesIO(written(files))) == files
    assert time.process_time() - started < 1.5


def test_every_real_pack_comes_back_the_same(real_packs: Path) -> None:
    for archive in sorted(real_packs.glob("*.tar.gz")):
        with archive.open("rb") as stream:
            files = read_archive(stream)
        again = read_archive(io.BytesIO(written(files)))
        assert again == files, archive.name
        with tarfile.open(archive) as opened:
            expected = {
                info.name.partition("/")[2]: (info.size, bool(info.mode & 0o100))
                for info in opened
                if info.isreg()
            }
        assert {p: (len(f.data), f.executable) for p, f in files.items()} == expected, archive.name
