/** One triangle over the cell; the fragment gets its point of the patient, so that any plane is only three vectors. */
export const VERTEX = `#version 300 es
precision highp float;
uniform vec3 uCentre, uRight, uDown;
out vec3 vWorld;
void main() {
  vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
  vWorld = uCentre + corner.x * uRight - corner.y * uDown;
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

const HEAD = `
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp sampler3D;
precision highp sampler2DArray;
in vec3 vWorld;
out vec4 oColour;
uniform sampler2D uMaps;

vec3 mapped(float value, vec2 window, int row) {
  float index = floor(clamp((value - window.x) / (window.y - window.x), 0.0, 1.0) * 255.0 + 0.5);
  return texelFetch(uMaps, ivec2(int(index), row), 0).rgb;
}`;

/** Defines: OVERLAY second volume, SLAB several samples along the plane's normal, RAW values instead of colours. */
export const SLICE = `${HEAD}
uniform sampler3D uBase, uOverlay;
uniform mat4 uBaseToTexture, uOverlayToTexture;
uniform float uBaseScale, uOverlayScale;
uniform vec2 uBaseWindow, uOverlayWindow;
uniform int uBaseMap, uOverlayMap;
uniform float uAlpha, uThreshold;
uniform vec3 uStep;
uniform int uSamples, uMean;

bool inside(vec3 t) {
  return all(greaterThanEqual(t, vec3(0.0))) && all(lessThanEqual(t, vec3(1.0)));
}

// x: value in shown units, y: 1 where the volume is
vec2 valueOf(sampler3D volume, mat4 toTexture, float scale) {
#ifdef SLAB
  float most = -3.0e38, sum = 0.0, count = 0.0;
  vec3 start = (toTexture * vec4(vWorld - 0.5 * float(uSamples - 1) * uStep, 1.0)).xyz;
  vec3 stride = mat3(toTexture) * uStep;
  for (int n = 0; n < uSamples; n++) {
    vec3 t = start + float(n) * stride;
    if (!inside(t)) continue;
    float value = textureLod(volume, t, 0.0).r;
    most = max(most, value);
    sum += value;
    count += 1.0;
  }
  if (count == 0.0) return vec2(0.0);
  return vec2((uMean == 1 ? sum / count : most) * scale, 1.0);
#else
  vec3 t = (toTexture * vec4(vWorld, 1.0)).xyz;
  if (!inside(t)) return vec2(0.0);
  return vec2(textureLod(volume, t, 0.0).r * scale, 1.0);
#endif
}

void main() {
  vec2 base = valueOf(uBase, uBaseToTexture, uBaseScale);
#ifdef OVERLAY
  vec2 overlay = valueOf(uOverlay, uOverlayToTexture, uOverlayScale);
#else
  vec2 overlay = vec2(0.0);
#endif
#ifdef RAW
  oColour = vec4(base.x, overlay.x, base.y, overlay.y);
#else
  vec3 colour = mapped(base.y > 0.0 ? base.x : uBaseWindow.x, uBaseWindow, uBaseMap);
#ifdef OVERLAY
  if (overlay.y > 0.0 && overlay.x >= uThreshold)
    colour = mix(colour, mapped(overlay.x, uOverlayWindow, uOverlayMap), uAlpha);
#endif
  oColour = vec4(colour, 1.0);
#endif
}`;

export const MIP = `${HEAD}
uniform sampler2DArray uFrames;
uniform vec3 uMipCentre, uMipRight, uMipDown;
uniform vec2 uMipSize;
uniform float uMipSpacing, uFrame, uBaseScale;
uniform vec2 uBaseWindow;
uniform int uBaseMap;
void main() {
  vec3 d = vWorld - uMipCentre;
  vec2 t = vec2(dot(d, uMipRight), dot(d, uMipDown)) / (uMipSpacing * uMipSize) + 0.5;
  bool there = all(greaterThanEqual(t, vec2(0.0))) && all(lessThanEqual(t, vec2(1.0)));
  float value = there ? textureLod(uFrames, vec3(t, uFrame), 0.0).r * uBaseScale : uBaseWindow.x;
#ifdef RAW
  oColour = vec4(there ? value : 0.0, 0.0, there ? 1.0 : 0.0, 0.0);
#else
  oColour = vec4(mapped(value, uBaseWindow, uBaseMap), 1.0);
#endif
}`;
