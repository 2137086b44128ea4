package dev.instaflow.ptx.run;

import static org.objectweb.asm.Opcodes.*;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Type;

/** Objects that a compiled class refers to: its static final fields, which the JIT compiler sees through. */
final class Constants {
    private static final int FIELD = ACC_PRIVATE | ACC_STATIC | ACC_FINAL;

    private final String className;
    private final List<Object> values = new ArrayList<>();
    private final List<String> descriptors = new ArrayList<>();
    private final Map<Object, Integer> known = new IdentityHashMap<>();

    Constants(String className) {
        this.className = className;
    }

    int size() {
        return values.size();
    }

    /** In the order of the fields. */
    Object[] values() {
        return values.toArray();
    }

    void push(MethodVisitor code, Object value, String descriptor) {
        int index =
                known.computeIfAbsent(
                        value,
                        v -> {
                            values.add(v);
                            descriptors.add(descriptor);
                            return values.size() - 1;
                        });
        code.visitFieldInsn(GETSTATIC, className, "c" + index, descriptor);
    }

    /** Declares the fields and takes their values from the class data. */
    void define(ClassVisitor to) {
        MethodVisitor code = to.visitMethod(ACC_STATIC, "<clinit>", "()V", null, null);
        code.visitCode();
        String lookup = "Ljava/lang/invoke/MethodHandles$Lookup;";
        String handles = "java/lang/invoke/MethodHandles";
        code.visitMethodInsn(INVOKESTATIC, handles, "lookup", "()" + lookup, false);
        code.visitLdcInsn("_");
        code.visitLdcInsn(Type.getType(Object[].class));
        String classData = "(" + lookup + "Ljava/lang/String;Ljava/lang/Class;)Ljava/lang/Object;";
        code.visitMethodInsn(INVOKESTATIC, handles, "classData", classData, false);
        code.visitTypeInsn(CHECKCAST, "[Ljava/lang/Object;");
        code.visitVarInsn(ASTORE, 0);
        for (int i = 0; i < values.size(); i++) {
            String descriptor = descriptors.get(i);
            to.visitField(FIELD, "c" + i, descriptor, null, null).visitEnd();
            code.visitVarInsn(ALOAD, 0);
            code.visitLdcInsn(i);
            code.visitInsn(AALOAD);
            code.visitTypeInsn(CHECKCAST, Type.getType(descriptor).getInternalName());
            code.visitFieldInsn(PUTSTATIC, className, "c" + i, descriptor);
        }
        code.visitInsn(RETURN);
        code.visitMaxs(0, 0);
        code.visitEnd();
    }
}
