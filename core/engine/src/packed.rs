//! Components as they are carried: as they are, or packed by gzip to a third.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;

/// RFC 1952, 2.3.1: how a gzip member begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes of a component that are unpacked; none that a person wrote comes near.
const MOST: u64 = 64 << 20;

/// The component itself.
///
/// # Errors
/// Packed and damaged, or larger than any component.
pub(crate) fn unpack(wasm: &[u8]) -> wasmtime::Result<Cow<'_, [u8]>> {
    if !wasm.starts_with(&GZIP) {
        return Ok(Cow::Borrowed(wasm));
    }
    let mut component = Vec::new();
    MultiGzDecoder::new(wasm)
        .take(MOST + 1)
        .read_to_end(&mut component)
        .map_err(|error| wasmtime::Error::msg(format!("its gzip stream is damaged: {error}")))?;
    if component.len() as u64 > MOST {
        return Err(wasmtime::Error::msg(format!("it unpacks to more than {} MiB", MOST >> 20)));
    }
    Ok(Cow::Owned(component))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn pack(content: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(content).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn packed_and_plain_are_the_same_component() {
        let wasm = b"\0asm and more";
        assert_eq!(&*unpack(wasm).unwrap(), wasm);
        assert_eq!(&*unpack(&pack(wasm)).unwrap(), wasm);
    }

    #[test]
    fn damage_is_told() {
        let mut packed = pack(&[7; 1000]);
        packed.truncate(packed.len() - 4);
        let error = unpack(&packed).unwrap_err().to_string();
        assert!(error.contains("gzip"), "{error}");
    }

    #[test]
    fn bomb_is_refused() {
        let packed = pack(&vec![0; usize::try_from(MOST).unwrap() + 1]);
        assert!(packed.len() < 100_000);
        let error = unpack(&packed).unwrap_err().to_string();
        assert!(error.contains("more than 64 MiB"), "{error}");
    }
}
