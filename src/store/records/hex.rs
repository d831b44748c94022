//! Bytes of a fixed length in JSON: as hexadecimal digits, which take half the space of a list of numbers.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Bytes, written as hexadecimal digits.
#[derive(Clone, Copy)]
pub(in crate::store) struct Hex<const N: usize>(pub(in crate::store) [u8; N]);

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
        // Wiped: one of these is a key.
        let mut digits = Zeroizing::new(String::with_capacity(2 * N));
        for byte in self.0 {
            digits.push(digit(byte >> 4));
            digits.push(digit(byte & 15));
        }
        serializer.serialize_str(&digits)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = Zeroizing::new(String::deserialize(deserializer)?);
        let mut bytes = [0; N];
        if digits.len() != 2 * N || !digits.is_ascii() {
            return Err(D::Error::custom("not as many bytes as expected"));
        }
        for (byte, digits) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(D::Error::custom)?;
            *byte = u8::from_str_radix(digits, 16).map_err(D::Error::custom)?;
        }
        Ok(Self(bytes))
    }
}
