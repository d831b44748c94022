//! Our reading of the blocks against candle's, on tensors that candle quantised.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::super::activations::Activations;
use super::super::blocks::WeightType;
use super::super::matrix::Matrix;
use super::super::pool::Pool;
use super::Random;

const TYPES: [(WeightType, GgmlDType); 6] = [
    (WeightType::F32, GgmlDType::F32),
    (WeightType::F16, GgmlDType::F16),
    (WeightType::Bf16, GgmlDType::BF16),
    (WeightType::Q8_0, GgmlDType::Q8_0),
    (WeightType::Q4K, GgmlDType::Q4K),
    (WeightType::Q6K, GgmlDType::Q6K),
];

#[test]
fn rows_and_products_are_candles() {
    let (rows, columns, n) = (37, 512, 3);
    let pool = Pool::new(2).expect("threads");
    let mut random = Random::new(11);
    let (weights, x) = (random.normals(rows * columns), random.normals(n * columns));
    let tensor = Tensor::from_vec(weights, (rows, columns), &Device::Cpu).expect("a tensor");
    for (kind, candles) in TYPES {
        let quantised = QTensor::quantize(&tensor, candles).expect("quantised");
        let bytes = quantised.data().expect("bytes");
        let matrix = Matrix::pack(kind, &bytes, rows, columns, &pool).expect("a sound tensor");
        let expected = quantised.dequantize(&Device::Cpu).expect("dequantised").flatten_all().expect("flat");
        let expected: Vec<f32> = expected.to_vec1().expect("values");
        let mut row = vec![0.0; columns];
        for (index, expected) in expected.chunks(columns).enumerate() {
            matrix.row(index, &mut row);
            assert_eq!(row, expected, "{kind:?}: row {index}");
        }
        let mut activations = Activations::new();
        activations.fill(n, columns, |out| out.copy_from_slice(&x));
        let mut out = vec![0.0; n * rows];
        matrix.multiply(&activations, &mut out, &pool);
        let exact = x
            .chunks(columns)
            .flat_map(|x| expected.chunks(columns).map(move |row| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>()));
        let exact: Vec<f32> = exact.collect();
        let square = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v * v)).sum::<f64>();
        let difference = square(&mut out.iter().zip(&exact).map(|(a, b)| a - b));
        let relative = (difference / square(&mut exact.iter().copied())).sqrt();
        // Int8 of normal values: a step is peak / 127, and its error peak / 127 / √12; the peak of 256 is about 3.
        assert!(relative < 0.01, "{kind:?}: products are off by {relative}");
    }
}
