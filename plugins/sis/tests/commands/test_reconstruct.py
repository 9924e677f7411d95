from __future__ import annotations

import pytest
import torch
from PIL import Image

from lightning_face.errors import CheckpointError, ConfigError, DataError
from lightning_face_sis.commands.face_files import find_faces
from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.data.transforms import image_tensor
from lightning_face_sis.importer import export_reference
from lightning_face_sis.to_image import to_image


def reconstructed(module, image, label):
    """What the network makes of files of its own size."""
    with Image.open(image) as picture:
        images = image_tensor(picture.convert("RGB"))[None]
    labels = torch.frombuffer(bytearray(label.tobytes()), dtype=torch.uint8).view(1, 1, 64, 64)
    with torch.no_grad():
        made = module.generator(images, one_hot_masks(labels, 19)).images
    return to_image(made)[0].permute(1, 2, 0).flatten()


def test_a_folder_with_its_part_masks(sis, sample, module, tmp_path, pixels, page, capsys):
    assert sis("reconstruct", "--images", sample.folder, "-o", tmp_path) == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "contact_sheet.png"),
        str(tmp_path / "index.html"),
    ]
    for face in find_faces([sample.folder], None):
        expected = reconstructed(module, face.image, face.label.read())
        made = pixels(tmp_path / f"{face.image.stem}.png")
        assert (made.int() - expected.int()).abs().max() <= 1
    shown = page(tmp_path / "index.html").pictures
    assert len(shown) == 4 * 3
    assert all((tmp_path / file).is_file() for file in shown)
    with Image.open(tmp_path / "contact_sheet.png") as sheet:
        assert len(sheet.getcolors(1 << 24)) > 100


def test_one_image_with_its_label_map(sis, sample, tmp_path, pixels):
    face = find_faces(sample.images[:1], [sample.parts])[0]
    face.label.read().save(tmp_path / "any name.png")
    words = ["--images", face.image, "--labels", tmp_path / "any name.png"]
    sis("reconstruct", *words, "-o", tmp_path / "a")
    sis("reconstruct", "--images", face.image, "--labels", sample.parts, "-o", tmp_path / "b")
    assert torch.equal(pixels(tmp_path / "a/0.png"), pixels(tmp_path / "b/0.png"))


def test_published_files_and_checkpoints_give_the_same(
    sis, sample, module, tmp_path, pixels, monkeypatch
):
    # published files do not tell the number of heads, of which these have fewer
    torch.save(export_reference(module.state_dict()), tmp_path / "latest_net_G.pth")
    from lightning_face_sis import importer

    infer = importer.infer_generator_config
    small = {"heads": (1,) * 5, "head_dims": (16,) * 5, "mask_size": 128}
    small["skip_layout"] = module.hparams["skip_layout"]
    monkeypatch.setattr(
        importer, "infer_generator_config", lambda tensors: {**infer(tensors), **small}
    )
    sis("reconstruct", "--images", sample.images[0], "-o", tmp_path / "ours")
    words = ["--checkpoint", tmp_path / "latest_net_G.pth", "--images", sample.images[0]]
    sis("reconstruct", *words, "-o", tmp_path / "theirs")
    assert torch.equal(pixels(tmp_path / "ours/0.png"), pixels(tmp_path / "theirs/0.png"))


def test_nothing_is_lost_without_a_word(sis, sample, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "1.png").write_text("precious")
    words = ["reconstruct", "--images", *sample.images[:2], "-o", out]
    with pytest.raises(ConfigError, match=r"1\.png exists already: .*--existing"):
        sis(*words)
    assert [path.name for path in out.iterdir()] == ["1.png"], "nothing was written"
    sis(*words, "--existing", "replace")
    written = {path: path.read_bytes() for path in out.glob("*.png")}
    assert written[out / "1.png"] != b"precious"
    (out / "0.png").unlink()
    before = (out / "1.png").stat().st_mtime_ns
    sis(*words, "--existing", "keep")
    assert (out / "1.png").stat().st_mtime_ns == before
    assert (out / "0.png").read_bytes() == written[out / "0.png"]
    with pytest.raises(ConfigError, match=r"0\.png and \d+ more files exist already"):
        sis(*words)


def test_what_is_wrong_is_named_before_anything_is_written(sis, sample, tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "cut.jpg").write_bytes(sample.images[0].read_bytes()[:-200])
    face = find_faces(sample.images[:1], None)[0]
    label = face.label.read()
    label.save(tmp_path / "label.png")
    label.point(lambda value: value + 10).save(tmp_path / "high.png")
    label.crop((0, 0, 64, 32)).save(tmp_path / "wide.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "color.png")
    out = tmp_path / "out"
    image, good = sample.images[0], tmp_path / "label.png"
    for words, error, message in (
        (["--images", tmp_path / "none.jpg"], DataError, r"none\.jpg does not exist"),
        (["--images", tmp_path / "empty.jpg", "--labels", good], DataError, r"empty\.jpg"),
        (["--images", tmp_path / "cut.jpg", "--labels", good], DataError, r"cut\.jpg"),
        (["--images", tmp_path / "cut.jpg"], ConfigError, r"cut\.jpg has no label map in"),
        (["--images", image, "--labels", tmp_path / "no.png"], DataError, r"no\.png"),
        (["--images", image, "--labels", tmp_path / "high.png"], DataError, r"high\.png .*label"),
        (["--images", image, "--labels", tmp_path / "wide.png"], DataError, r"wide\.png"),
        (["--images", image, "--labels", tmp_path / "color.png"], DataError, r"color\.png"),
        (["--images", image, "--labels", good, good], ConfigError, "2 files for 1 images"),
        (["--images", image, "--device", "abacus"], ConfigError, "abacus"),
        (["--images", image, "--checkpoint", "none.ckpt"], CheckpointError, r"none\.ckpt"),
        (["--images", image, "-o", good], ConfigError, r"label\.png is a file"),
    ):
        with pytest.raises(error, match=message):
            sis("reconstruct", "-o", out, *words)
        assert not out.exists()
