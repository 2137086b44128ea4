package dev.instaflow.kernels;

import dev.instaflow.kernels.AttentionKernel.Extents;
import dev.instaflow.kernels.AttentionKernel.Mask;
import dev.instaflow.kernels.AttentionKernel.Spec;

/** Attention and its gradient in F64, from the formulas; rows are dense, [N,T,heads,d]. */
final class AttentionReference {
    final double[] y;
    final double[] lse;
    final double[] dq;
    final double[] dk;
    final double[] dv;
    private final Spec spec;
    private final Extents e;

    AttentionReference(Spec spec, float[] q, float[] k, float[] v, float[] dy) {
        this.spec = spec;
        this.e = spec.extents();
        y = new double[q.length];
        dq = new double[q.length];
        dk = new double[k.length];
        dv = new double[k.length];
        lse = new double[spec.n() * e.heads() * e.queries()];
        for (int n = 0; n < spec.n(); n++) {
            for (int h = 0; h < e.heads(); h++) {
                for (int i = 0; i < e.queries(); i++) {
                    row(n, h, i, q, k, v, dy);
                }
            }
        }
    }

    private void row(int n, int h, int i, float[] q, float[] k, float[] v, float[] dy) {
        int d = e.headWidth();
        int atQuery = at(n, e.queries(), i, h);
        int keys = spec.mask() == Mask.CAUSAL ? Math.min(e.keys(), i + 1) : e.keys();
        double scale = 1 / Math.sqrt(d);
        double[] p = new double[keys];
        double top = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < keys; j++) {
            p[j] = scale * dot(q, atQuery, k, at(n, e.keys(), j, h));
            top = Math.max(top, p[j]);
        }
        double sum = 0;
        for (int j = 0; j < keys; j++) {
            p[j] = Math.exp(p[j] - top);
            sum += p[j];
        }
        lse[(n * e.heads() + h) * e.queries() + i] = top + Math.log(sum);
        double delta = 0;
        for (int j = 0; j < keys; j++) {
            p[j] /= sum;
            int atKey = at(n, e.keys(), j, h);
            delta += p[j] * dot(dy, atQuery, v, atKey);
            for (int c = 0; c < d; c++) {
                y[atQuery + c] += p[j] * v[atKey + c];
                dv[atKey + c] += p[j] * dy[atQuery + c];
            }
        }
        for (int j = 0; j < keys; j++) {
            int atKey = at(n, e.keys(), j, h);
            double ds = scale * p[j] * (dot(dy, atQuery, v, atKey) - delta);
            for (int c = 0; c < d; c++) {
                dq[atQuery + c] += ds * k[atKey + c];
                dk[atKey + c] += ds * q[atQuery + c];
            }
        }
    }

    private double dot(float[] a, int atA, float[] b, int atB) {
        double sum = 0;
        for (int c = 0; c < e.headWidth(); c++) {
            sum += (double) a[atA + c] * b[atB + c];
        }
        return sum;
    }

    private int at(int n, int rows, int row, int h) {
        return ((n * rows + row) * e.heads() + h) * e.headWidth();
    }
}
