/* The steps of the LSTM, of the cell of 1997 and of both peephole cells, forward and back, for the fused engine.

   The same lines as companion/nn/cells/lstm.py, without a call of Python's for each. A sequence never looks at its
   neighbours in the batch, so every thread takes some of the rows through all steps and waits for nobody.

   Compiled on the reader's machine by companion/nn/_compiled.py. Everything is float32. Memory is laid out as PyTorch
   has it; a gate is a block of H numbers, i f g o (i g o without a forget gate). */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 8 };
#elif defined(__AVX2__)
enum { LANES = 8, ROWS = 6 };
#else
enum { LANES = 4, ROWS = 6 };
#endif
/* columns of a packed panel; rows that go through time together; threads at most */
enum { PANEL = 2 * LANES, BLOCK = 32, MOST = 64 };

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int mask __attribute__((vector_size(4 * LANES)));

static inline vec load(const float *from) { vec x; memcpy(&x, from, sizeof x); return x; }
static inline void store(float *to, vec x) { memcpy(to, &x, sizeof x); }
static inline vec pick(mask m, vec yes, vec no) { return (vec)(((mask)yes & m) | ((mask)no & ~m)); }

/* the first n lanes from memory, the others 0 */
static inline vec some(const float *from, long n) {
  if (n >= LANES) return load(from);
  vec x = {0};
  memcpy(&x, from, n * sizeof(float));
  return x;
}
static inline void keep(float *to, vec x, long n) {
  if (n >= LANES) store(to, x);
  else memcpy(to, &x, n * sizeof(float));
}

/* e^x: 2^n times a polynomial of what is left (Cephes, Moshier 1989); x beyond the range of float32 is drawn into it */
static inline vec exponential(vec x) {
  x = pick(x > 88.0f, 88.0f - (vec){0}, x);
  x = pick(x < -87.0f, -87.0f - (vec){0}, x);
  vec n = x * 1.44269504088896341f + 12582912.0f - 12582912.0f; /* to the nearest whole number */
  x = x - n * 0.693359375f + n * 2.12194440e-4f;
  vec p = x * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * x + 8.3334519073e-3f;
  p = p * x + 4.1665795894e-2f;
  p = p * x + 1.6666665459e-1f;
  p = p * x + 5.0000001201e-1f;
  p = p * (x * x) + x + 1.0f;
  return p * (vec)((__builtin_convertvector(n, mask) + 127) << 23);
}

/* 0 where the pre-activation is -inf, as it is past the end of a sequence */
static inline vec sigmoid(vec x) { return pick(x < -88.0f, (vec){0}, 1.0f / (1.0f + exponential(-x))); }

/* near 0 by a polynomial, since 1 - 2 / (e^2x + 1) loses its digits there (Cephes) */
static inline vec hyperbolic(vec x) {
  mask sign = (mask)x & (int)0x80000000;
  vec size = (vec)((mask)x & 0x7fffffff), z = x * x;
  vec p = z * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  vec far = 1.0f - 2.0f / (exponential(size + size) + 1.0f);
  return pick(size < 0.625f, p * z * x + x, (vec)((mask)far | sign));
}

/* z (rows, PANEL) += h (rows, K) times a panel (K, PANEL). Each number is a sum over k in order, however many rows. */
static inline __attribute__((always_inline)) void tile(int rows, long K, const float *h, long ldh, const float *panel,
                                                       float *z, long ldz) {
  vec sum[ROWS][2];
  for (int r = 0; r < rows; r++) sum[r][0] = load(z + r * ldz), sum[r][1] = load(z + r * ldz + LANES);
  for (long k = 0; k < K; k++) {
    vec first = load(panel + k * PANEL), second = load(panel + k * PANEL + LANES);
    for (int r = 0; r < rows; r++) {
      sum[r][0] += first * h[r * ldh + k];
      sum[r][1] += second * h[r * ldh + k];
    }
  }
  for (int r = 0; r < rows; r++) store(z + r * ldz, sum[r][0]), store(z + r * ldz + LANES, sum[r][1]);
}

static void product(long rows, long K, long N, const float *h, long ldh, const float *panels, float *z) {
  for (long n = 0; n < N; n += PANEL, panels += K * PANEL) {
    long r = 0;
    for (; r + ROWS <= rows; r += ROWS) tile(ROWS, K, h + r * ldh, ldh, panels, z + r * N + n, N);
    const float *rest = h + r * ldh;
    switch (rows - r) {
      case 1: tile(1, K, rest, ldh, panels, z + r * N + n, N); break;
      case 2: tile(2, K, rest, ldh, panels, z + r * N + n, N); break;
      case 3: tile(3, K, rest, ldh, panels, z + r * N + n, N); break;
      case 4: tile(4, K, rest, ldh, panels, z + r * N + n, N); break;
      case 5: tile(5, K, rest, ldh, panels, z + r * N + n, N); break;
      case 6: tile(6 < ROWS ? 6 : 0, K, rest, ldh, panels, z + r * N + n, N); break;
      case 7: tile(7 < ROWS ? 7 : 0, K, rest, ldh, panels, z + r * N + n, N); break;
    }
  }
}

static inline long up(long n, long to) { return (n + to - 1) / to * to; }

struct scan {
  long steps, batch, hidden, gates; /* T, B, H, G */
  long old;                         /* whether the output gate sees the cell state of the step before */
  long kept;                        /* whether the gates of every step are kept, or only the last */
  long threads;
  const float *a;       /* (T, B, G*H) what the input and the biases add */
  const float *forward; /* U packed by pack_forward */
  const float *peeps;   /* (3, H) i f o, or NULL */
  const float *h0;      /* (B, H) */
  float *h;             /* (T, B, H) */
  float *c;             /* (T + 1, B, H), the first given */
  float *z;             /* (T or 1, G, B, H) the gates */
};

struct back {
  long steps, batch, hidden, gates, old, threads;
  const float *backward;  /* U packed by pack_backward */
  const float *peeps;     /* (3, H), or NULL */
  const float *c, *z;     /* as in scan */
  const float *dy, *dcy;  /* (T, B, H) from outside, or NULL */
  float *dh, *dc;         /* (B, H) carried from the step after, and to the step before */
  float *da;              /* (T, B, G*H) */
  float *dpeeps;          /* (threads, 3, H), added to */
};

/* Numbers in a packed matrix: the recurrent weights by panels of columns, each panel (K, PANEL), for the product with h
   and for the product with da. Columns and rows between the blocks are 0. */
long size_forward(long H, long G) { return H * up(G * up(H, LANES), PANEL); }
long size_backward(long H, long G) { return G * up(H, LANES) * up(H, PANEL); }

void pack_forward(long H, long G, const float *U, float *to) {
  long wide = up(H, LANES), N = up(G * wide, PANEL);
  for (long n = 0; n < N; n += PANEL)
    for (long k = 0; k < H; k++)
      for (long j = n; j < n + PANEL; j++) *to++ = j / wide < G && j % wide < H ? U[(j / wide * H + j % wide) * H + k] : 0;
}

void pack_backward(long H, long G, const float *U, float *to) {
  long wide = up(H, LANES), N = up(H, PANEL);
  for (long n = 0; n < N; n += PANEL)
    for (long k = 0; k < G * wide; k++)
      for (long j = n; j < n + PANEL; j++) *to++ = k % wide < H && j < H ? U[(k / wide * H + k % wide) * H + j] : 0;
}

static void step(const struct scan *s, long t, long row, const float *z, long wide) {
  long H = s->hidden, G = s->gates, B = s->batch, at = (s->kept ? t : 0) * G * B * H + row * H;
  const float *before = s->c + (t * B + row) * H, *p = s->peeps;
  float *c = s->c + ((t + 1) * B + row) * H, *h = s->h + (t * B + row) * H, *gates = s->z + at;
  for (long u = 0; u < H; u += LANES) {
    long n = H - u;
    vec old = some(before + u, n), i = load(z + u), g = load(z + (G - 2) * wide + u), o = load(z + (G - 1) * wide + u);
    if (p) i += some(p + u, n) * old;
    i = sigmoid(i);
    g = hyperbolic(g);
    vec now = i * g;
    if (G == 4) {
      vec f = load(z + wide + u);
      if (p) f += some(p + H + u, n) * old;
      f = sigmoid(f);
      keep(gates + B * H + u, f, n);
      now += f * old;
    } else {
      now += old;
    }
    if (p) o += some(p + 2 * H + u, n) * (s->old ? old : now);
    o = sigmoid(o);
    keep(gates + u, i, n);
    keep(gates + (G - 2) * B * H + u, g, n);
    keep(gates + (G - 1) * B * H + u, o, n);
    keep(c + u, now, n);
    keep(h + u, o * hyperbolic(now), n);
  }
}

static int forward_rows(const void *work, long first, long end, long part) {
  const struct scan *s = work;
  long H = s->hidden, G = s->gates, B = s->batch, wide = up(H, LANES), N = up(G * wide, PANEL);
  float *z = aligned_alloc(64, up(BLOCK * N * sizeof(float), 64));
  if (!z) return 0;
  memset(z, 0, BLOCK * N * sizeof(float));
  for (long row = first; row < end; row += BLOCK) {
    long rows = end - row < BLOCK ? end - row : BLOCK;
    for (long t = 0; t < s->steps; t++) {
      const float *a = s->a + (t * B + row) * G * H, *h = (t ? s->h + (t - 1) * B * H : s->h0) + row * H;
      for (long r = 0; r < rows; r++)
        for (long g = 0; g < G; g++) memcpy(z + r * N + g * wide, a + (r * G + g) * H, H * sizeof(float));
      product(rows, H, N, h, H, s->forward, z);
      for (long r = 0; r < rows; r++) step(s, t, row + r, z + r * N, wide);
    }
  }
  free(z);
  return 1;
}

static void step_back(const struct back *s, long t, long row, float *z, long wide, const float *carried, float *dpeeps) {
  long H = s->hidden, G = s->gates, B = s->batch;
  const float *gates = s->z + t * G * B * H + row * H, *before = s->c + (t * B + row) * H, *c = before + B * H;
  const float *p = s->peeps, *dy = s->dy, *dcy = s->dcy;
  float *da = s->da + (t * B + row) * G * H, *dcs = s->dc + row * H;
  for (long u = 0; u < H; u += LANES) {
    long n = H - u, at = (t * B + row) * H + u;
    vec i = some(gates + u, n), g = some(gates + (G - 2) * B * H + u, n), o = some(gates + (G - 1) * B * H + u, n);
    vec old = some(before + u, n), now = some(c + u, n), squashed = hyperbolic(now);
    vec dh = some(carried + u, n), dc = some(dcs + u, n);
    if (dy) dh += some(dy + at, n);
    if (dcy) dc += some(dcy + at, n);
    vec d_o = dh * squashed * o * (1.0f - o);
    dc += dh * o * (1.0f - squashed * squashed);
    if (p && !s->old) dc += d_o * some(p + 2 * H + u, n);
    vec d_i = dc * g * i * (1.0f - i), d_g = dc * i * (1.0f - g * g);
    store(z + u, d_i), keep(da + u, d_i, n);
    store(z + (G - 2) * wide + u, d_g), keep(da + (G - 2) * H + u, d_g, n);
    store(z + (G - 1) * wide + u, d_o), keep(da + (G - 1) * H + u, d_o, n);
    if (G == 4) {
      vec f = some(gates + B * H + u, n), d_f = dc * old * f * (1.0f - f);
      store(z + wide + u, d_f), keep(da + H + u, d_f, n);
      dc *= f;
      if (p) {
        dc += d_i * some(p + u, n) + d_f * some(p + H + u, n);
        keep(dpeeps + u, some(dpeeps + u, n) + d_i * old, n);
        keep(dpeeps + H + u, some(dpeeps + H + u, n) + d_f * old, n);
        keep(dpeeps + 2 * H + u, some(dpeeps + 2 * H + u, n) + d_o * (s->old ? old : now), n);
        if (s->old) dc += d_o * some(p + 2 * H + u, n);
      }
    }
    keep(dcs + u, dc, n);
  }
}

static int back_rows(const void *work, long first, long end, long part) {
  const struct back *s = work;
  long H = s->hidden, G = s->gates, wide = up(H, LANES), K = G * wide, N = up(H, PANEL);
  float *z = aligned_alloc(64, up(BLOCK * (K + N) * sizeof(float), 64)), *carried = z + BLOCK * K;
  if (!z) return 0;
  memset(z, 0, BLOCK * (K + N) * sizeof(float));
  for (long row = first; row < end; row += BLOCK) {
    long rows = end - row < BLOCK ? end - row : BLOCK;
    for (long r = 0; r < rows; r++) memcpy(carried + r * N, s->dh + (row + r) * H, H * sizeof(float));
    for (long t = s->steps - 1; t >= 0; t--) {
      for (long r = 0; r < rows; r++)
        step_back(s, t, row + r, z + r * K, wide, carried + r * N, s->dpeeps + part * 3 * H);
      memset(carried, 0, rows * N * sizeof(float));
      product(rows, K, N, z, K, s->backward, carried);
    }
    for (long r = 0; r < rows; r++) memcpy(s->dh + (row + r) * H, carried + r * N, H * sizeof(float));
  }
  free(z);
  return 1;
}

struct share {
  int (*rows)(const void *, long, long, long);
  const void *work;
  long first, end, part;
  int done;
};

static void *run(void *given) {
  struct share *mine = given;
  mine->done = mine->rows(mine->work, mine->first, mine->end, mine->part);
  return NULL;
}

struct crew {
  struct share *shares;
  long count;
};

/* The threads that PyTorch has already, where its OpenMP is GNU's or takes the same calls: between two products of
   PyTorch's they wait in a loop, and would keep threads of our own from the cores. Returns 0 where they cannot be had. */
#ifdef __linux__
extern void GOMP_parallel(void (*)(void *), void *, unsigned, unsigned) __attribute__((weak));
extern int omp_get_thread_num(void) __attribute__((weak));
extern int omp_get_num_threads(void) __attribute__((weak));

static void member(void *given) {
  struct crew *crew = given;
  for (long k = omp_get_thread_num(); k < crew->count; k += omp_get_num_threads()) run(crew->shares + k);
}

static int by_pytorchs(struct crew *crew) {
  if (!GOMP_parallel || !omp_get_thread_num || !omp_get_num_threads) return 0;
  GOMP_parallel(member, crew, crew->count, 0);
  return 1;
}
#else
static int by_pytorchs(struct crew *crew) {
  (void)crew;
  return 0;
}
#endif

/* Threads of our own. One that cannot be had costs time only: its share is done here. */
static void by_our_own(struct crew *crew) {
  struct share *shares = crew->shares;
  long count = crew->count;
  pthread_t others[MOST];
  int started[MOST] = {0};
  for (long k = 1; k < count; k++) started[k] = pthread_create(&others[k], NULL, run, shares + k) == 0;
  for (long k = 0; k < count; k++)
    if (!started[k]) run(shares + k);
  for (long k = 1; k < count; k++)
    if (started[k]) pthread_join(others[k], NULL);
}

/* Give every thread its share of the rows; 0 where there was no memory for one of them. */
static int shared(int (*rows)(const void *, long, long, long), const void *work, long batch, long count) {
  struct share shares[MOST];
  if (count > MOST) count = MOST;
  for (long k = 0; k < count; k++)
    shares[k] = (struct share){rows, work, batch * k / count, batch * (k + 1) / count, k, 0};
  struct crew crew = {shares, count};
  if (count == 1) run(shares);
  else if (!by_pytorchs(&crew)) by_our_own(&crew);
  int done = 1;
  for (long k = 0; k < count; k++) done &= shares[k].done;
  return done;
}

int scan(const struct scan *s) { return shared(forward_rows, s, s->batch, s->threads); }
int scan_back(const struct back *s) { return shared(back_rows, s, s->batch, s->threads); }
